// What a crew says and shows from the place: kept on the telephone until the centre has it, each under a key of its own, so that one
// sent twice counts once. What the centre refuses stays, too, with the reason, until the person sends it again or throws it away.
const LONGEST_SIDE = 1600;
const QUALITIES = [0.82, 0.6, 0.4];
const LATER = [401, 408, 429];
const LARGEST_BYTES = 2 * 1024 * 1024;
const form = document.querySelector("[data-order]");
const texts = JSON.parse(document.body.dataset.texts);
const status = document.querySelector("[data-outbox]");
const refused = document.querySelector("[data-refused]");

function store(mode, act) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("khettara-outbox", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("reports", { keyPath: "key" });
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const transaction = opening.result.transaction("reports", mode);
      const request = act(transaction.objectStore("reports"));
      transaction.oncomplete = () => { opening.result.close(); resolve(request.result); };
      transaction.onerror = transaction.onabort = () => { opening.result.close(); reject(transaction.error); };
    };
  });
}

const kept = () => store("readonly", (reports) => reports.getAll());
const waiting = async () => (await kept()).filter((item) => !item.refused);

function show(count, problem = "") {
  status.textContent = problem || (count ? texts.waiting.replace("{count}", count) : "");
  status.hidden = !status.textContent;
  status.dataset.waiting = count;
}

function button(text, act) {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent: text });
  made.addEventListener("click", async () => {
    await act();
    await showRefused();
    await send();
  });
  return made;
}

/** What was refused, each with its reason and what can be done about it. */
async function showRefused() {
  const items = (await kept()).filter((item) => item.refused);
  refused.replaceChildren(...items.map((item) => {
    const said = Object.assign(document.createElement("b"), { dir: "auto", textContent: item.note || texts[item.picture ? "picture" : item.kind] });
    const why = Object.assign(document.createElement("span"), { className: "fine", dir: "auto", textContent: item.refused });
    const act = Object.assign(document.createElement("div"), { className: "act" });
    act.append(
      button(texts.again, () => store("readwrite", (all) => all.put({ ...item, refused: undefined }))),
      button(texts.throw_away, () => store("readwrite", (all) => all.delete(item.key))),
    );
    const row = document.createElement("li");
    row.append(said, " ", why, act);
    return row;
  }));
  refused.hidden = !items.length;
}

async function token() {
  const answer = await fetch("/api/v1/session", { cache: "no-store" });
  return answer.ok ? (await answer.json()).csrf_token : null;
}

function deliver(item, csrf) {
  if (!item.picture) {
    const headers = { "content-type": "application/json", "x-csrf-token": csrf };
    return fetch("/api/v1/orders/reports", { method: "POST", headers, body: JSON.stringify(item) });
  }
  const query = new URLSearchParams({ key: item.key, order: item.order, said_at: item.said_at });
  const headers = { "content-type": item.picture.type, "x-csrf-token": csrf };
  return fetch(`/api/v1/orders/photos?${query}`, { method: "POST", headers, body: item.picture });
}

let sending = false;
async function send() {
  if (sending) return;
  sending = true;
  let problem = "", delivered = 0;
  try {
    const items = (await waiting()).sort((a, b) => a.said_at.localeCompare(b.said_at));
    const csrf = items.length ? await token() : null;
    if (items.length && !csrf) problem = texts.log_in;
    for (const item of csrf ? items : []) {
      const answer = await deliver(item, csrf);
      if (answer.status >= 500 || LATER.includes(answer.status)) break;
      if (answer.ok) {
        await store("readwrite", (all) => all.delete(item.key));
        delivered += 1;
        continue;
      }
      const body = await answer.json().catch(() => ({}));
      problem = typeof body.detail === "string" ? body.detail : texts.refused;
      await store("readwrite", (all) => all.put({ ...item, refused: problem }));
    }
  } catch {
    // no network: what waits goes on waiting
  } finally {
    sending = false;
  }
  show((await waiting()).length, problem);
  await showRefused();
  if (delivered && !problem) location.reload();
}

/** Keeps something to be sent, and tries at once. A telephone that is full says so: nothing is lost in silence. */
async function keep(items) {
  try {
    for (const item of items) await store("readwrite", (all) => all.put(item));
  } catch {
    show((await waiting()).length, texts.full);
    return false;
  }
  show((await waiting()).length);
  await send();
  return true;
}

/** The photograph as the telephone shows it, small enough for a poor network, and without what the camera noted. */
async function redrawn(file) {
  const image = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, LONGEST_SIDE / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(image.width * scale));
  canvas.height = Math.max(1, Math.round(image.height * scale));
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  image.close();
  for (const quality of QUALITIES) {
    const picture = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
    if (picture && picture.size <= LARGEST_BYTES) return picture;
  }
  throw new Error("too large");
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const report = {
    key: crypto.randomUUID(),
    order: form.dataset.order,
    kind: event.submitter.value,
    said_at: new Date().toISOString(),
    note: form.elements.note.value,
  };
  if (await keep([report])) form.elements.note.value = "";
});

form?.querySelector("[data-photo]")?.addEventListener("change", async ({ target }) => {
  const files = [...target.files];
  target.value = "";
  const items = [];
  let problem = "";
  for (const file of files) {
    try {
      items.push({ key: crypto.randomUUID(), order: form.dataset.order, said_at: new Date().toISOString(), picture: await redrawn(file) });
    } catch {
      problem = texts.no_picture;
    }
  }
  if (items.length) await keep(items);
  if (problem) show((await waiting()).length, problem);
});
window.addEventListener("online", send);
setInterval(send, 30000);
navigator.serviceWorker?.register("/orders-worker.js", { scope: "/orders/" });
waiting().then((items) => show(items.length)).then(showRefused).then(send);
