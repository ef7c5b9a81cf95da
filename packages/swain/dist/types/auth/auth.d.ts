import type { Environment } from "../environment.js";
export interface User {
    readonly id: string;
    readonly email: string;
    readonly name: string | null;
    readonly role: string;
}
/**
 * P17, P18: accounts over /api/auth. The refresh token is a cookie that no script sees, the access token lives in
 * memory only, and who was signed in last is remembered, so that a reload offline finds the right store.
 */
export declare class Auth {
    #private;
    /** `changed`: somebody else, or nobody, is signed in now. */
    constructor(environment: Environment, origin: string, changed: () => void);
    get user(): User | null;
    /** The name in localStorage; another tab may change it. */
    get storageName(): string;
    signup(input: {
        readonly email: string;
        readonly password: string;
        readonly name?: string;
    }): Promise<User>;
    login(input: {
        readonly email: string;
        readonly password: string;
    }): Promise<User>;
    changePassword(input: {
        readonly current: string;
        readonly next: string;
    }): Promise<User>;
    /** A mail with a link, if somebody has this address; nobody is told whether. */
    requestReset(email: string): Promise<void>;
    resetPassword(input: {
        readonly token: string;
        readonly password: string;
    }): Promise<User>;
    /** Null: a mail with a link to the own address. */
    verify(token: string | null): Promise<void>;
    /** Signed out on this device even when the server is not reached; `everywhere` only when it is, or nothing would end elsewhere. */
    logout(everywhere: boolean): Promise<void>;
    /** Somebody signed in or out in another tab. */
    handleStored(): void;
    /** Null: nobody is signed in. Throws `offline`, or the code with which the server refused. */
    token(fresh: boolean): Promise<string | null>;
}
