import type { doctorView } from './views/checks.ts'
import type { disturbance, rehearsalView } from './views/planning.ts'
import type { View } from './views.ts'

// What is told before a rotation, as JSON: like the views of views.ts.

/** What a rotation does to one consumer. */
export type Disturbance = View<typeof disturbance>
/** What `rotate --rehearse` answers. */
export type RehearsalView = View<typeof rehearsalView>
/** What `doctor` answers. */
export type DoctorView = View<typeof doctorView>
/** One thing that `doctor` looked at. */
export type DoctorFinding = DoctorView['findings'][number]
