// A finger on the zone's map becomes a place on the network: the same two numbers that may be typed.
const form = document.querySelector("form.entry");

form?.addEventListener("click", (event) => {
  const map = event.target.closest("[data-pick]");
  if (!map) return;
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
  const { west, north, metres } = map.dataset;
  form.elements.x.value = (Number(west) + at.x * metres).toFixed(1);
  form.elements.y.value = (Number(north) - at.y * metres).toFixed(1);
  form.elements.x.closest("details").open = true;
  map.querySelector(".picked")?.remove();
  const mark = document.createElementNS("http://www.w3.org/2000/svg", "path");
  mark.setAttribute("class", "picked");
  mark.setAttribute("d", `M${at.x} ${at.y}l-11 -26h22z`);
  map.append(mark);
});
