// The small helps at the desk: countdown of a selection, focus after a step, the advice as a value.
import { at, number } from "./format.js";

function startCountdown(element) {
  const total = Number(element.dataset.countdown);
  const ends = performance.now() + total * 1000;
  const ring = element.querySelector(".left");
  const seconds = element.querySelector("[data-seconds]");
  const form = element.closest("form");
  const tick = () => {
    if (!element.isConnected) return;
    const left = Math.max(0, (ends - performance.now()) / 1000);
    seconds.textContent = String(Math.ceil(left));
    ring.setAttribute("stroke-dasharray", `${((left / 30) * 100).toFixed(1)} 100`);
    element.classList.toggle("short", left < 10);
    if (left > 0) setTimeout(tick, 200);
    else {
      const fields = form.querySelector("fieldset");
      fields.disabled = true;
      fields.setAttribute("data-over", "");
      form.querySelector(".over-note").hidden = false;
    }
  };
  tick();
}

/** Wires what came into the page. A value that stands there already, refused or typed early, gets its preview too. */
export function wire(root) {
  for (const field of root.querySelectorAll("[name=value_m][hx-get]:not([data-wired])")) {
    field.setAttribute("data-wired", "");
    if (field.value) htmx.trigger(field, "khettara:preview");
  }
  for (const element of root.querySelectorAll("[data-countdown]:not([data-wired])")) {
    element.setAttribute("data-wired", "");
    startCountdown(element);
  }
}

/** Puts the focus where the operator goes on after a step. */
export function focusStep(root) {
  const targets = root.querySelectorAll("[data-focus]");
  const field = [...targets].find((t) => t.tagName === "INPUT" && !t.disabled);
  (field ?? targets[0])?.focus({ preventScroll: false });
}

/** "Use this advice" fills the value. */
export function fillFromAdvice(button, snapshot) {
  const field = document.getElementById(button.dataset.fill);
  const value = at(snapshot, button.dataset.fillFrom);
  if (!field || typeof value !== "number") return;
  field.value = number(value, 2).replace("\u2212", "-");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}
