// Numbers as people read them: the twin of console/numbers.py. Latin digits everywhere, comma in French and Arabic.
const language = document.documentElement.lang;
const comma = language === "fr" || language === "ar";
export const NO_VALUE = "––";

/** @param {number|null|undefined} value @param {number} digits */
export function number(value, digits) {
  if (typeof value !== "number" || !Number.isFinite(value)) return NO_VALUE;
  const [whole, part] = Math.abs(value).toFixed(digits).split(".");
  let text = whole.replace(/\B(?=(\d{3})+$)/g, "\u202f") + (part ? (comma ? "," : ".") + part : "");
  if (value < 0 && /[1-9]/.test(text)) text = "\u2212" + text;
  return text;
}

/** The value at a path of the snapshot: its parts are joined by dots, or by bars where keys hold dots. */
export function at(snapshot, path) {
  return path.split(path.includes("|") ? "|" : ".").reduce((found, key) => (found === null || found === undefined ? undefined : found[key]), snapshot);
}

const texts = JSON.parse(document.body.dataset.texts ?? "{}");

/** A text of the page's language, its {places} filled. */
export function text(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "…");
}

const changes = JSON.parse(document.body.dataset.clockChanges ?? "[[0,0]]");

/** A time in seconds since 1970 on the site's clock, as the server keeps it: read the result by getUTC…; a browser's own zones may differ. */
export function local(seconds) {
  const [, ahead] = changes.findLast(([from]) => from <= seconds) ?? changes[0];
  return new Date((seconds + ahead) * 1000);
}

/** Local date and minute of a time in seconds since 1970. */
export function moment(seconds) {
  return local(seconds).toISOString().slice(0, 16).replace("T", " ");
}
