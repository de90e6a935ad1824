/** What does more to a terminal or a log than to show itself: control, format and unassigned characters, line ends. */
export const unprintable = /[\p{C}\p{Zl}\p{Zp}]/u
