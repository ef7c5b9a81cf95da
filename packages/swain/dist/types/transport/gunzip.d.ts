/** P23: the text in a binary message. Throws when it is no gzip, or larger than a frame may be. */
export declare function gunzip(bytes: ArrayBuffer): Promise<string>;
