import type { Dexie } from "dexie";
import { type Client, type ClientOptions } from "../index.js";
import { type Refused } from "./journal.js";
import type { Times } from "./values.js";
export interface DexieSyncOptions extends Omit<ClientOptions, "shapes"> {
    /** Default: all tables of the database. */
    readonly tables?: readonly string[];
    /** What columns of type time are in the application's rows. Default "date". */
    readonly times?: Times;
    /** Wait until somebody is signed in before anything is sent. */
    readonly signedIn?: boolean;
    /** Edits that the client itself does not take, like text in a column of numbers; default: the console says so. */
    readonly onRefused?: (what: Refused) => void;
}
/** `new Dexie("name", { addons: [swain()] })`: the database's tables are kept the same as the server's. */
export declare function swain(options?: DexieSyncOptions): (db: Dexie) => void;
/** The client of a database that has the add-on: its status, sign-in, refused edits. */
export declare function clientOf(db: Dexie): Client;
