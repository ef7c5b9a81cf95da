import { client } from "/data.js";
import { set } from "/page.js";
import { h } from "/render.js";
import { signInReason } from "/words.js";

/** The accounts of `swain demo pace`. */
const DEMO = [
  ["Ada", "ada@example.com"],
  ["Ben", "ben@example.com"],
  ["Cleo", "cleo@example.com"],
];
const DEMO_PASSWORD = "pickup-game";

const form = { isNew: false, isBusy: false, error: null };

export function signIn() {
  return h(
    "main",
    { key: "sign-in", class: "sign-in" },
    h("img", { class: "logo", src: "/icon.svg", alt: "", width: 72, height: 72 }),
    h("h1", null, "Pace"),
    h("p", { class: "lead" }, "Scores and standings at the side of the court. Works without a network."),
    h("section", { class: "card", "aria-labelledby": "demo" }, demo()),
    h("section", { class: "card" }, account()),
  );
}

function demo() {
  return [
    h("h2", { id: "demo" }, "Try it as"),
    h(
      "div",
      { class: "buttons" },
      DEMO.map(([name, email]) => {
        const go = () => submit(client.auth.login({ email, password: DEMO_PASSWORD }));
        const testid = `demo-${name.toLowerCase()}`;
        return h("button", { class: "primary", disabled: form.isBusy, onclick: go, "data-testid": testid }, name);
      }),
    ),
    h("p", { class: "hint" }, "Two windows, two people: sign in as another in a private window."),
    form.error !== null &&
      h("p", { key: "error", class: "error", role: "alert", "data-testid": "sign-in-error" }, form.error),
  ];
}

function account() {
  const { isNew } = form;
  return h(
    "form",
    { onsubmit: handleSubmit },
    h("h2", null, isNew ? "Create an account" : "Or with your account"),
    isNew && field("Name", { key: "name", name: "name", autocomplete: "name", maxlength: 40, "data-testid": "name" }),
    field("E-mail", { name: "email", type: "email", autocomplete: "username", "data-testid": "email" }),
    field("Password", {
      name: "password",
      type: "password",
      autocomplete: isNew ? "new-password" : "current-password",
      "data-testid": "password",
    }),
    h(
      "div",
      { class: "buttons" },
      h(
        "button",
        { class: "primary", disabled: form.isBusy, "data-testid": isNew ? "sign-up" : "sign-in" },
        isNew ? "Create account" : "Sign in",
      ),
      h(
        "button",
        { type: "button", class: "quiet", onclick: () => change({ isNew: !isNew }), "data-testid": "switch-form" },
        isNew ? "I have an account" : "I am new here",
      ),
    ),
  );
}

function field(label, { key, ...attributes }) {
  return h("label", { key: key ?? label, class: "field" }, label, h("input", { required: true, ...attributes }));
}

function handleSubmit(event) {
  event.preventDefault();
  const input = Object.fromEntries(new FormData(event.target));
  submit(form.isNew ? client.auth.signup(input) : client.auth.login(input));
}

/** When it resolves, the rows that this device holds for that person are there. */
async function submit(signingIn) {
  change({ isBusy: true });
  set({ isSigningIn: true });
  try {
    await signingIn;
    set({ isSigningIn: false });
    change({ isBusy: false });
  } catch (error) {
    change({ isBusy: false, error: signInReason(error) });
  }
}

function change(changes) {
  Object.assign(form, { error: null }, changes);
  set({});
}
