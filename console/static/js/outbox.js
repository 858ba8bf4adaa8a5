// What a crew says and shows from the place: kept on the telephone until the centre has it, each under a key of its own, so that one
// sent twice counts once.
const LONGEST_SIDE = 1600;
const QUALITIES = [0.82, 0.6, 0.4];
const LARGEST_BYTES = 2 * 1024 * 1024;
const form = document.querySelector("[data-order]");
const texts = JSON.parse(document.body.dataset.texts);
const status = document.querySelector("[data-outbox]");

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

const waiting = () => store("readonly", (reports) => reports.getAll());

function show(count, problem = "") {
  status.textContent = problem || (count ? texts.waiting.replace("{count}", count) : "");
  status.hidden = !status.textContent;
  status.dataset.waiting = count;
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
      if (answer.status >= 500 || answer.status === 401) break;
      if (!answer.ok) problem = (await answer.json()).detail ?? texts.refused;
      await store("readwrite", (all) => all.delete(item.key));
      delivered += answer.ok;
    }
  } catch {
    // no network: what waits goes on waiting
  } finally {
    sending = false;
  }
  show((await waiting()).length, problem);
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
waiting().then((items) => show(items.length)).then(send);
