// The customer switch and the stock shown beside the chosen colour and size; the pages work without it.
const switcher = document.querySelector("[data-customer-switch]");
if (switcher) {
  switcher.classList.add("live");
  switcher.querySelector("select").addEventListener("change", () => switcher.requestSubmit());
}

const form = document.querySelector("[data-stock]");
if (form) {
  const stock = JSON.parse(form.dataset.stock);
  const line = form.querySelector("[data-stock-line]");
  const button = form.querySelector("[data-reserve]");
  const picture = document.querySelector("[data-picture] svg");
  const show = () => showStock(form, stock, line, button, picture);
  form.addEventListener("change", show);
  show();
}

function showStock(form, stock, line, button, picture) {
  const colour = form.querySelector("[name=colour]:checked");
  const bySize = stock[colour.value];
  picture.setAttribute("color", colour.dataset.hex);
  for (const input of form.querySelectorAll("[name=size]")) {
    input.closest(".option").classList.toggle("gone", bySize[input.value] === 0);
  }
  const size = form.querySelector("[name=size]:checked");
  const left = size ? bySize[size.value] : null;
  button.disabled = left === 0;
  line.dataset.left = left === null ? "" : left === 0 ? "none" : left < 4 ? "few" : "many";
  line.textContent = left === null ? "Choose a size to see what we have."
    : left === 0 ? "Sold out in this colour and size."
    : left < 4 ? `Only ${left} left.` : `In stock: ${left} left.`;
}
