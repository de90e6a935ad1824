/**
 * One unambiguous encoding of a list of fields: each as its length (4 bytes, big endian) and its UTF-8
 * bytes, an absent one as the length 0xffffffff. Two different lists never give the same bytes, which
 * plain concatenation would not promise. Used for associated data and for rows of the audit chain.
 */
export function canonical(fields: readonly (string | number | null)[]): Buffer {
  return Buffer.concat(fields.flatMap(encodeField))
}

const absent = 0xffff_ffff

function encodeField(field: string | number | null): readonly Buffer[] {
  const bytes = field === null ? Buffer.alloc(0) : Buffer.from(String(field), 'utf8')
  const length = Buffer.alloc(4)
  length.writeUInt32BE(field === null ? absent : bytes.length)
  return [length, bytes]
}
