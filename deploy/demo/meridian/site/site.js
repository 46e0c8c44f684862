// The demo's sign-in: switches at once, and keeps the widget's identity token fresh while the page is open.
const REFRESH_MS = 8 * 60 * 1000;
const form = document.querySelector(".switch form");

form.classList.add("live");
form.customer.addEventListener("change", () => form.submit());

async function refreshIdentity() {
  const response = await fetch("/identity");
  const { token } = await response.json();
  if (token) window.Switchboard?.identify(token);
}

setInterval(() => refreshIdentity().catch(() => {}), REFRESH_MS);
