// A certified OpenID provider with nothing changed but its clients and accounts: node provider.mjs PORT CLIENTS ACCOUNTS
// (both JSON). Its own development pages ask for a login name, and take any password.
import { createRequire } from "node:module";

const [port, clients, accounts] = process.argv.slice(2).map((each) => JSON.parse(each));
const { default: Provider } = await import(createRequire(process.cwd() + "/").resolve("oidc-provider"));

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients,
  claims: { openid: ["sub"], profile: ["name", "locale"], email: ["email", "email_verified"] },
  async findAccount(_, id) {
    return { accountId: id, claims: async () => ({ sub: id, ...accounts[id] }) };
  },
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  cookies: { keys: ["only for tests"] },
});
provider.listen(port, "127.0.0.1", () => console.log("listening"));
