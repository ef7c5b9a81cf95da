// Asks before something that cannot be undone.

/** Resolves true when the person agrees. */
export function ask(question, yes) {
  const dialog = document.createElement("dialog");
  const form = document.createElement("form");
  form.method = "dialog";
  const text = document.createElement("p");
  text.id = "question";
  text.textContent = question;
  dialog.setAttribute("aria-labelledby", text.id);
  form.append(text, choice("Cancel", "no", "confirm-no"), choice(yes, "yes", "confirm-yes"));
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    };
  });
}

function choice(label, value, testid) {
  const button = document.createElement("button");
  button.textContent = label;
  button.value = value;
  button.className = value === "yes" ? "danger" : "";
  button.dataset.testid = testid;
  return button;
}
