import { type Json, type JsonObject } from "../engine/json.js";
import { type Refusal } from "./answer.js";
export type Credentials = "bearer" | "cookie";
export interface HttpOptions {
    /** Of the server. */
    readonly origin: string;
    readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
    /** How the server knows the person: by a header, or by the cookie that it set at the sign-in. */
    readonly credentials: Credentials;
    /** False: the server is asked not to compress. */
    readonly compression: boolean;
}
/** What a hello says, for transports whose connections begin with a request (P20). */
export interface Hello {
    readonly device: string;
    readonly cursor: string | null;
    readonly acked: number;
    readonly shapes: Json;
    readonly load: string | null;
    readonly schema: number;
}
export type Answer<T> = {
    readonly kind: "ok";
    readonly value: T;
} | {
    readonly kind: "refused";
    readonly refusal: Refusal;
};
/** The requests of one connection, as one person. All end with `abort`. */
export declare class Requests {
    #private;
    readonly options: HttpOptions;
    /** P3: replaced when it is renewed. Null: signed out. */
    token: string | null;
    constructor(options: HttpOptions, lists: ShapeLists, token: string | null);
    abort(): void;
    /** Throws when the server is not reached. */
    send(path: string, init?: RequestInit): Promise<Response>;
    post(path: string, body: string): Promise<Response>;
    /** P20: the query of a stream; the list of shapes is posted when the server may not have it. */
    query(hello: Hello, more: Readonly<Record<string, string | null>>): Promise<Answer<string>>;
    /** The server does not have the list any longer: true, and it is posted with the next query. */
    forgets(refusal: Refusal): boolean;
}
/** The hashes of the lists that were posted; they hold for every connection to the server. */
export declare class ShapeLists {
    #private;
    hash(requests: Requests, shapes: Json): Promise<Answer<string>>;
    /** False: nothing was remembered, so to post again does not help. */
    forget(): boolean;
}
/** The message of the session in its parts. */
export declare function messageOf(text: string): {
    readonly kind: string;
    readonly body: JsonObject;
};
export declare function helloOf(body: JsonObject): Hello;
export declare function textOf(value: Json | undefined): string | null;
