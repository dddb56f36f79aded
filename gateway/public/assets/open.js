// Opens a page that came sealed through a relay, with the key that stands after the #, and seals what is pressed on it.
(async () => {
  const main = document.querySelector("main[data-sealed]"), key = location.hash.slice(1);
  if (!main || !key || !window.crypto || !crypto.subtle) return;
  const bytes = (text) => new TextEncoder().encode(text), code = main.dataset.code;
  const keyOf = async (direction, use) => crypto.subtle.importKey("raw", await crypto.subtle.digest("SHA-256", bytes(direction + key)), "AES-GCM", false, [use]);
  const plain = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const coded = (data) => btoa(String.fromCharCode(...data)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  try {
    const box = plain(main.dataset.sealed);
    const text = await crypto.subtle.decrypt({ name: "AES-GCM", iv: box.slice(0, 12), additionalData: bytes(code) }, await keyOf("stillwater page ", "decrypt"), box.slice(12));
    main.innerHTML = new TextDecoder().decode(text);
  } catch (e) { return; } // what is shown without a key stays
  for (const link of document.querySelectorAll("a.language")) link.hash = key;
  main.addEventListener("submit", async (event) => {
    event.preventDefault();
    const fields = new URLSearchParams(new FormData(event.target, event.submitter)).toString(), iv = crypto.getRandomValues(new Uint8Array(12));
    for (const button of main.querySelectorAll("button")) button.disabled = true;
    try {
      const box = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: bytes(code) }, await keyOf("stillwater form ", "encrypt"), bytes(fields)));
      const form = new URLSearchParams({ sealed: coded([...iv, ...box]) });
      const answer = await fetch(location.pathname + location.search, { method: "POST", body: form, redirect: "manual" });
      if (answer.type !== "opaqueredirect" && answer.status !== 422) throw answer;
      if (answer.status !== 422) return location.reload();
      main.querySelector("#wrong-day").hidden = false;
    } catch (e) { main.querySelector("#not-sent").hidden = false; }
    for (const button of main.querySelectorAll("button")) button.disabled = false;
  });
})();
