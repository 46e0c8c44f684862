/*
 * What the chat widget fetches only when somebody wants it: signing in, starting over, and saying what was wrong with an
 * answer.
 */
const ORIGIN = new URL(import.meta.url).origin;
const STYLES = new CSSStyleSheet();
STYLES.replaceSync(`
form { display: flex; gap: 8px; align-items: end; width: 100%; margin-top: 6px }
form textarea { flex: 1; padding: 8px 12px; border-radius: 12px; box-shadow: inset 0 0 0 1px var(--line); resize: none; font-size: 14px }
.sheet { position: absolute; inset: 0; z-index: 3; display: grid; align-items: end; padding: 12px; background: rgb(10 12 16 / .45); animation: rise .2s }
`);

/**
 * Signs in at the business's own provider, in `popup` (an empty window, opened by the customer's click), or, without
 * one, asks the page for a token.
 */
export async function signIn(chat, popup) {
  const { talk } = chat;
  try {
    const token = popup ? "" : await chat.askPage(true);
    const code = popup && (await codeOf(talk, popup));
    if (token) await chat.identify(token);
    if (code) await prove(chat, code);
  } catch (failure) {
    popup?.close();
    chat.addNote(failure.explanation || "Something went wrong.", () => chat.signIn());
  }
}

/** A sign-in whose window has lost sight of the page comes back by the page's address. */
export async function comeBack(chat) {
  const code = location.hash.slice("#switchboard=".length);
  history.replaceState(null, "", location.pathname + location.search);
  await chat.talk.open();
  await prove(chat, code);
  window.close();
}

/** Whether to start a new conversation; whoever is signed in stays so. */
export function ask(chat, h, button) {
  const yes = button("primary", async () => {
    const { kept, identity } = chat.talk;
    chat.dismiss();
    const made = kept.who && (await opened(chat.talk).catch(() => {}));
    chat.talk.forget();
    chat.begin(identity);
    if (made?.customer) chat.talk.keep({ ...made, customer: undefined, who: kept.who, name: kept.name, own: kept.own, seq: "0" });
  }, "Start over");
  chat.sheet = h("div", { className: "sheet", role: "alertdialog", "aria-label": "Start over?" },
    h("div", { className: "card" }, "Start a new conversation? This one will no longer be shown here.",
      h("div", { className: "row" }, button("secondary", () => chat.dismiss(), "Keep this one"), yes)));
  dress(chat);
  chat.panel.append(chat.sheet);
  yes.focus();
}

/** What was wrong with an answer, in words; `send` gets them. */
export function wrongForm(chat, h, send) {
  const label = "What was wrong? (optional)";
  const why = h("textarea", { rows: 2, maxLength: 1000, placeholder: label, "aria-label": label });
  const onsubmit = (event) => {
    event.preventDefault();
    send(why.value.trim());
  };
  dress(chat);
  setTimeout(() => why.focus());
  return h("form", { onsubmit }, why, h("button", { className: "primary" }, "Send"));
}

/** A new conversation beside the old one, of the same customer. */
async function opened(talk) {
  const path = `bots/${encodeURIComponent(talk.bot)}/conversations`;
  const { id, token, customer } = await (await talk.call(path, { method: "POST", body: { previous: talk.kept.id } })).json();
  return { id, token, customer };
}

async function prove(chat, code) {
  // Where the bot has asked for it, the chat goes on by itself, and says so.
  const asked = chat.log.querySelector(".asks [aria-label='Sign in']");
  await chat.talk.prove({ code }, true);
  const { who, name } = chat.talk.kept;
  if (who) chat.talk.keep({ left: undefined });
  if (who && !asked) chat.addNote(`You are signed in as ${name || who}.`);
}

function dress({ shadowRoot }) {
  const worn = shadowRoot.adoptedStyleSheets;
  if (!worn.includes(STYLES)) shadowRoot.adoptedStyleSheets = [...worn, STYLES];
}

async function codeOf(talk, popup) {
  await talk.open();
  const page = encodeURIComponent(location.href.split(/[?#]/)[0]);
  // The provider may still know whoever signed out here: somebody else may want to sign in now.
  const again = talk.kept.left ? "&again=1" : "";
  const { url } = await (await talk.call(talk.at(`sign-in/openid?page_url=${page}${again}`))).json();
  popup.location = url;
  return heardFrom(popup);
}

/** The code that the window hands over, or nothing when it was closed. */
function heardFrom(popup) {
  return new Promise((resolve) => {
    const hear = ({ origin, source, data }) => {
      if (origin === ORIGIN && source === popup && data?.switchboard) end(data.switchboard);
    };
    const end = (code) => {
      clearInterval(watch);
      removeEventListener("message", hear);
      resolve(code);
    };
    // A provider may cut the tie between the windows: this one then seems closed, and the code comes by the address.
    const watch = setInterval(() => popup.closed && setTimeout(end, 1000), 500);
    addEventListener("message", hear);
  });
}
