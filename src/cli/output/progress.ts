import { basename } from 'node:path'
import type { StepProgress } from '../../model/rotation.ts'
import { plain } from './style.ts'

/** As much of a name as leaves the line on one row of a terminal. Characters. */
const longestName = 36
const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** `re-encrypting qpc.db: 1.2 of 3.4 GB, 35 %`; where all is done but the last look, without numbers. */
export function progressLine({ doing, place, done, total }: StepProgress): string {
  const name = plain(basename(place))
  const short = name.length > longestName ? `${name.slice(0, longestName - 1)}…` : name
  const power = Math.min(Math.floor(Math.log10(Math.max(1, total)) / 3), units.length - 1)
  const size = (bytes: number) => (bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)
  const unit = units[power]
  if (done >= total) return `${doing} ${short} (${size(total)} ${unit})`
  const percent = Math.floor((100 * done) / total)
  return `${doing} ${short}: ${size(done)} of ${size(total)} ${unit}, ${percent} %`
}
