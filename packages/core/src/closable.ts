/** Something that holds a resource. */
export interface Closable {
  /** Lets the resource go. Closing twice is the same as closing once. */
  close(): Promise<void>
}
