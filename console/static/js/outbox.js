// What a crew says from the place: kept on the telephone until the centre has it, each under a key of its own, so that one sent
// twice counts once.
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
      transaction.onerror = () => reject(transaction.error);
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

let sending = false;
async function send() {
  if (sending) return;
  sending = true;
  let problem = "", delivered = 0;
  try {
    const reports = (await waiting()).sort((a, b) => a.said_at.localeCompare(b.said_at));
    const csrf = reports.length ? await token() : null;
    if (reports.length && !csrf) problem = texts.log_in;
    for (const report of csrf ? reports : []) {
      const answer = await fetch("/api/v1/orders/reports", {
        method: "POST",
        headers: { "content-type": "application/json", "x-csrf-token": csrf },
        body: JSON.stringify(report),
      });
      if (answer.status >= 500 || answer.status === 401) break;
      if (!answer.ok) problem = (await answer.json()).detail ?? texts.refused;
      await store("readwrite", (all) => all.delete(report.key));
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

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const report = {
    key: crypto.randomUUID(),
    order: form.dataset.order,
    kind: event.submitter.value,
    said_at: new Date().toISOString(),
    note: form.elements.note.value,
  };
  await store("readwrite", (reports) => reports.put(report));
  form.elements.note.value = "";
  show((await waiting()).length);
  await send();
});
window.addEventListener("online", send);
setInterval(send, 30000);
navigator.serviceWorker?.register("/orders-worker.js", { scope: "/orders/" });
waiting().then((reports) => show(reports.length)).then(send);
