import { constants, type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A file that is only ever written at its end. */
export class JournalFile {
  readonly #path: string
  readonly #handle: FileHandle
  #size = 0

  private constructor(path: string, handle: FileHandle) {
    this.#path = path
    this.#handle = handle
  }

  /** Makes an empty file, in place of one that may be there. Only its owner may read it: inputs of tasks are private. */
  static async create(path: string): Promise<JournalFile> {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_APPEND
    return new JournalFile(path, await open(path, flags, 0o600))
  }

  /** Bytes written. */
  get size(): number {
    return this.#size
  }

  /** Writes all of `bytes`. When it rejects, a part of them may be in the file. */
  async append(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done)
      done += bytesWritten
      this.#size += bytesWritten
    }
  }

  /** Resolves when what was written survives the loss of power. */
  sync(): Promise<void> {
    return this.#handle.datasync()
  }

  /** Takes the place of the file at `path`, whole, so that there is one or the other at every moment. */
  async moveTo(path: string): Promise<void> {
    await this.#handle.sync()
    await rename(this.#path, path)
    await syncDirectory(dirname(path))
  }

  close(): Promise<void> {
    return this.#handle.close()
  }

  /** Closes it, and removes it. */
  async discard(): Promise<void> {
    await this.close().catch(() => {}) // it is of no use any more
    await rm(this.#path, { force: true }).catch(() => {})
  }
}

/** Makes a rename last. Not every file system can; those that cannot need not. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(() => undefined)
  await directory?.sync().catch(() => {})
  await directory?.close()
}
