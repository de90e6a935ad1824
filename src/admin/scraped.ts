/** What the listeners need of the metrics. */
export interface Scraped {
  render(): Promise<{ readonly contentType: string; readonly text: string }>
  /** `stalled` when the scheduler has ticked before, but not within the last 90 s. */
  health(): 'starting' | 'ticking' | 'stalled'
}
