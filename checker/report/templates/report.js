const said = document.getElementById("said");
for (const button of document.querySelectorAll("button[data-copy]")) button.addEventListener("click", async () => {
  const text = button.dataset.copy;
  try { await navigator.clipboard.writeText(text); } catch (error) {
    const area = document.createElement("textarea");
    area.value = text; document.body.append(area); area.select(); document.execCommand("copy"); area.remove();
  }
  said.textContent = "Copied: " + text;
  button.textContent = "Copied"; setTimeout(() => { button.textContent = "Copy"; }, 1500);
});
const root = document.documentElement, theme = document.getElementById("theme");
theme.addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});
const search = document.getElementById("search"), count = document.getElementById("count");
search.addEventListener("input", () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const each of document.querySelectorAll("[data-words]")) {
    each.hidden = !words.every((word) => each.dataset.words.includes(word));
    shown += each.tagName === "TR" && !each.hidden;
  }
  count.textContent = shown + " shown";
});
function open() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView(); }
}
addEventListener("hashchange", open); open();
for (const link of document.querySelectorAll('a[href^="#"]')) link.addEventListener("click", () => setTimeout(open));
let opened = [];
addEventListener("beforeprint", () => { opened = [...document.querySelectorAll("details:not([open])")]; for (const each of opened) each.open = true; });
addEventListener("afterprint", () => { for (const each of opened) each.open = false; });
for (const id of ["theme", "filter"]) document.getElementById(id).hidden = false;
