// Package push receives what platforms push over HTTP: OneNET, CTWing, Huawei's IoTDA, or a water company's own program. What each sends is a
// profile, a file in profiles/ or one of the user's.
//
// It promises to answer success only once the readings are committed, so that whatever is lost on the way is sent again; to
// believe no sender that cannot show the secret; and to say it once when a feed does not come, see platform.Watch. An identical retry costs a hash.
//
// It never logs a body, a number or a secret, keeps nothing of devices that no household has, and sends nothing by itself.
package push
