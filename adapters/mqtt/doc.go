// Package mqtt turns messages of an MQTT broker into readings.
//
// A Source is one broker with one persistent session. It promises that a message of quality of service 1 is acknowledged
// only when the readings made of it were committed (see done in Run), so that whatever happens here in between, the broker
// has it still and sends it again. It promises not to call old news new: a retained state, and a message without a time of
// its own that may have waited at the broker, are marked Undated. And it promises that a broker that hangs never holds up the pipeline, nor the
// pipeline the connection.
//
// A message that it cannot read is counted by reason, acknowledged and forgotten: it would be no better the next time. It never guesses
// which way round a door contact speaks: the configuration says so.
//
// How long a message has waited cannot be seen in MQTT 3.1.1. So after connecting to a broker that has kept a session,
// everything counts as possibly old until the broker has been quiet for a second with nothing left unacknowledged, or for a
// minute altogether (see backlog). The price is that a door seen in these moments is a state and not a sign of life; devices
// that send their own time do not pay it.
package mqtt
