import { timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'

/**
 * Buffers of up to 64 bytes live on V8's heap, where the garbage collector leaves copies behind;
 * a larger backing store lies outside it and `fill(0)` leaves none. So every secret gets a large one.
 */
const smallestOffHeap = 128

/**
 * Bytes that must not be seen: prints, serializes and inspects as `[secret]`.
 * The bytes are reached only through {@link SecretBytes.bytes}, which makes each use easy to find.
 */
export class SecretBytes {
  readonly #bytes: Buffer

  private constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Copies `source`, which stays the caller's. */
  static copyOf(source: Uint8Array): SecretBytes {
    const own = Buffer.alloc(Math.max(source.length, smallestOffHeap)).subarray(0, source.length)
    own.set(source)
    return new SecretBytes(own)
  }

  /** Copies `source` and overwrites it with zeros: for a buffer that nobody else needs. */
  static take(source: Uint8Array): SecretBytes {
    const secret = SecretBytes.copyOf(source)
    source.fill(0)
    return secret
  }

  /** For text that came as a string and so has copies already: config, files of other programs. */
  static fromText(text: string): SecretBytes {
    return SecretBytes.take(Buffer.from(text, 'utf8'))
  }

  /** The bytes themselves, not a copy: do not keep, log or change them. */
  get bytes(): Buffer {
    return this.#bytes
  }

  get length(): number {
    return this.#bytes.length
  }

  /** A second one, which is wiped on its own. */
  copy(): SecretBytes {
    return SecretBytes.copyOf(this.#bytes)
  }

  /** Constant-time comparison for equal lengths. */
  equals(other: SecretBytes): boolean {
    return this.length === other.length && timingSafeEqual(this.#bytes, other.#bytes)
  }

  /** Overwrites the bytes. The object is useless afterwards. */
  wipe(): void {
    this.#bytes.fill(0)
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}
