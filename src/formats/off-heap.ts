/** V8 keeps backing stores of up to 64 bytes on its own heap, where garbage collection leaves copies. */
const smallestOffHeap = 128

/**
 * A zeroed buffer for secret bytes: its memory lies outside V8's heap whatever its length, so that
 * `fill(0)` leaves no copy behind.
 */
export function offHeap(length: number): Buffer {
  return Buffer.alloc(Math.max(length, smallestOffHeap)).subarray(0, length)
}

/** Joins `pieces` into a buffer of {@link offHeap}; they stay the caller's. */
export function joinOffHeap(...pieces: readonly Uint8Array[]): Buffer {
  const joined = offHeap(pieces.reduce((length, piece) => length + piece.length, 0))
  let offset = 0
  for (const piece of pieces) {
    joined.set(piece, offset)
    offset += piece.length
  }
  return joined
}
