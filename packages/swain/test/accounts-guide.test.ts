// @vitest-environment happy-dom
import { openAccountPage } from "guide:accounts/account.js";
import { expect, it } from "vitest";
import { spec } from "./spec";

it("the page of the guide takes both links, once", async () => {
  spec("P17");
  const asked: unknown[] = [];
  const auth = {
    verify: async (token: string) => void asked.push(["verify", token]),
    resetPassword: async (input: object) => {
      asked.push(["reset", input]);
      return { name: "Ann" };
    },
  };
  const said: string[] = [];
  for (const hash of ["#verify=a.1.b", "#reset=c.2.d", ""]) {
    location.hash = hash;
    await openAccountPage(
      { auth },
      async () => "another word",
      (text: string) => said.push(text),
    );
    expect(location.hash).toBe("");
  }
  expect(asked).toEqual([
    ["verify", "a.1.b"],
    ["reset", { token: "c.2.d", password: "another word" }],
  ]);
  expect(said).toEqual(["This address is yours.", "Hello again, Ann"]);
});
