/** What went up and down, the newest first. */
export declare class FramesView {
    #private;
    readonly node: HTMLDivElement;
    constructor();
    get count(): number;
    add(line: string): void;
}
