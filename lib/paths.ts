/** Every address of ours, in one place. */
export const paths = {
  signIn: () => '/sign-in',
  sandboxes: () => '/sandboxes',
  sandbox: (id: string) => `/sandboxes/${encodeURIComponent(id)}`,
} as const;
