/** What a page knows about the provider that signed its person in. */
export type Membership = {
  /** The name of the provider in the configuration. */
  provider: string;
  title: string;
  /** Why the last check failed. `null` if it succeeded. */
  problem: string | null;
  /** When the provider last confirmed the account. */
  checkedAtMs: number;
  /** When the session ends unless the provider confirms the account again. */
  endsAtMs: number;
};
