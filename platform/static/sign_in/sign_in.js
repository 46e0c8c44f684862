// Hands the code of a sign-in to the chat: to the window that opened this one, if it is still of the website that the
// sign-in was begun for (the browser sees to that). A provider may have cut the tie between the windows; then this
// window itself goes to the website, where the chat finds the code in the address.
const { code, origin, page, close } = document.body.dataset;

if (code && window.opener) {
  window.opener.postMessage({ switchboard: code }, origin);
  setTimeout(() => window.close(), 400);
} else if (code) {
  location.replace(page.split("#")[0] + "#switchboard=" + code);
} else if (close !== undefined) {
  window.close();
}
