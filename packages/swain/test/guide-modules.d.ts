declare module "guide:frameworks/react.tsx" {
  export function App(props: { readonly client: import("../src/index").Client }): import("react").ReactNode;
}
declare module "guide:frameworks/vue.ts" {
  export function useSwain<T>(watchable: import("../src/index").Watchable<T>): import("vue").ShallowRef<T>;
}
declare module "guide:frameworks/svelte.ts" {
  export function swainStore<T>(watchable: import("../src/index").Watchable<T>): import("svelte/store").Readable<T>;
}
declare module "guide:frameworks/zustand.ts" {
  type Rows = readonly import("../src/index").Row[];
  export function gamesStore(query: import("../src/index").Watchable<Rows>): {
    readonly store: import("zustand/vanilla").StoreApi<{ readonly games: Rows }>;
    stop(): void;
  };
}
declare module "guide:presence/app.js" {
  type Others = readonly import("../src/presence/presence").Other[];
  export function meet(
    client: import("../src/index").Client,
    draw: (others: Others) => void,
  ): import("../src/presence/presence").Room;
}
declare module "guide:presence/people.tsx" {
  export function People(): import("react").ReactNode;
}
declare module "guide:accounts/account.js" {
  export function openAccountPage(
    client: { readonly auth: object },
    ask: (what: string) => Promise<string>,
    show: (text: string) => void,
  ): Promise<void>;
}
