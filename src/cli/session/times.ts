/** Epoch milliseconds; NaN for anything but RFC 3339 with a zone: `Date.parse` takes much else, and guesses the zone. */
export function parseTime(text: string): number {
  const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/
  return rfc3339.test(text) ? Date.parse(text) : Number.NaN
}
