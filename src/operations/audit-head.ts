/** `SEQ:HASH` of the newest audit row: kept elsewhere, it shows later that rows were cut off or changed. */
export function formatAuditHead({ seq, hash }: { readonly seq: number; readonly hash: string }) {
  return `${seq}:${hash}`
}
