// The snapshot a browser holds, and what a change makes of it: the twin of console/wire.py.
const GROUPS = ["zones", "actuators", "places", "leaks"];

/** The new snapshot; null where the change does not follow on what is held, so that only a whole one helps. */
export function merge(held, part) {
  if (!held || part.after !== held.number) return null;
  const next = { ...held };
  for (const [name, value] of Object.entries(part)) {
    if (name === "after") continue;
    if (!GROUPS.includes(name)) next[name] = value;
    else {
      next[name] = { ...held[name] };
      for (const [key, item] of Object.entries(value)) next[name][key] = { ...held[name][key], ...item };
    }
  }
  return next;
}
