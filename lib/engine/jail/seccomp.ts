/**
 * The filter of system calls that every sandbox runs under, as a program for bubblewrap's `--seccomp`. It denies parts of the
 * kernel that namespaces do not cover or that mainly serve attacks, and allows everything else: sandboxes run any program.
 *
 * - `socket` and `socketpair` of the family AF_VSOCK reach the hypervisor and its host, whatever the network namespace.
 * - `io_uring_*` performs file and network operations past filters of system calls.
 * - `userfaultfd` lets a process halt the kernel in the middle of an operation.
 * - `clone` and `unshare` with a new user namespace give all capabilities in it. `clone3` keeps its flags in memory, where a
 *   filter cannot read them, and libraries fall back to `clone`.
 * - `fallocate`, also as an `ioctl`, takes disk space that is counted as nobody's writing, so nothing would notice a sandbox that
 *   exceeds its disk. Programs write zeros instead. What frees space is allowed.
 * - `add_key`, `request_key` and `keyctl` reach keys that are not separated by namespaces.
 */

type Architecture = {
  /** `AUDIT_ARCH_*` of linux/audit.h */
  readonly audit: number;
  readonly denied: readonly number[];
  readonly sockets: readonly number[];
  /** `clone` and `unshare`, whose first argument is the flags. */
  readonly namespaces: readonly number[];
  readonly fallocate: number;
  readonly ioctl: number;
  /** System calls that exist on this architecture under other numbers, too, and that no library needs. */
  readonly missing?: readonly number[];
  /** Numbers from here on belong to another calling convention. */
  readonly numbersBelow?: number;
};

const IO_URING = [425, 426, 427];
const CLONE3 = 435;

const X86_64: Architecture = {
  audit: 0xc000_003e,
  denied: [...IO_URING, 323, 248, 249, 250],
  sockets: [41, 53],
  fallocate: 285,
  ioctl: 16,
  namespaces: [56, 272],
  missing: [CLONE3],
  // x32
  numbersBelow: 0x4000_0000,
};
const I386: Architecture = {
  audit: 0x4000_0003,
  denied: [...IO_URING, 374, 286, 287, 288],
  sockets: [359, 360],
  fallocate: 324,
  ioctl: 54,
  namespaces: [120, 310],
  // `socketcall` keeps the family in memory, where a filter cannot read it. Libraries use `socket` instead.
  missing: [102, CLONE3],
};
const ARM64: Architecture = {
  audit: 0xc000_00b7,
  denied: [...IO_URING, 282, 217, 218, 219],
  sockets: [198, 199],
  fallocate: 47,
  ioctl: 29,
  namespaces: [220, 97],
  missing: [CLONE3],
};
const ARM: Architecture = {
  audit: 0x4000_0028,
  denied: [...IO_URING, 388, 309, 310, 311],
  sockets: [281, 288],
  fallocate: 352,
  ioctl: 54,
  namespaces: [120, 337],
  missing: [CLONE3],
};

/** The native architecture and the 32-bit one that its kernel also runs. */
const ARCHITECTURES: Readonly<Record<string, readonly Architecture[]>> = {
  x64: [X86_64, I386],
  arm64: [ARM64, ARM],
};

const AF_VSOCK = 40;
const CLONE_NEWUSER = 0x1000_0000;
/** `FALLOC_FL_PUNCH_HOLE` and `FALLOC_FL_COLLAPSE_RANGE`, which free space. */
const FREES_SPACE = 0x0a;
/** `FS_IOC_RESVSP`, `FS_IOC_RESVSP64` and `FS_IOC_ZERO_RANGE`, for 64-bit and 32-bit programs. */
const TAKES_SPACE = [0x4030_5828, 0x4030_582a, 0x4030_5839, 0x402c_5828, 0x402c_582a, 0x402c_5839];
const EPERM = 1;
const ENOSYS = 38;
const EOPNOTSUPP = 95;
const EAFNOSUPPORT = 97;

/** Offsets in `struct seccomp_data`; of arguments, the low half on a little-endian machine. */
const NUMBER_OFFSET = 0;
const ARCHITECTURE_OFFSET = 4;
const FIRST_ARGUMENT_OFFSET = 16;
const SECOND_ARGUMENT_OFFSET = 24;

type Instruction = { readonly code: number; readonly jt: number; readonly jf: number; readonly k: number };

const load = (offset: number): Instruction => ({ code: 0x20, jt: 0, jf: 0, k: offset });
/** Skips `otherwise` instructions unless the loaded value is `k`. */
const ifEqual = (k: number, otherwise: number): Instruction => ({ code: 0x15, jt: 0, jf: otherwise, k });
/** Skips `otherwise` instructions unless the loaded value has a bit of `k`. */
const ifAnyBit = (k: number, otherwise: number): Instruction => ({ code: 0x45, jt: 0, jf: otherwise, k });
const ifAtLeast = (k: number, otherwise: number): Instruction => ({ code: 0x35, jt: 0, jf: otherwise, k });
const give = (k: number): Instruction => ({ code: 0x06, jt: 0, jf: 0, k });
const ALLOW = give(0x7fff_0000);
const failWith = (errno: number) => give(0x0005_0000 | errno);

/** The program for a value of `process.arch`; null if none is known for it. */
export function seccompProgram(architecture: string): Buffer | null {
  const sections = ARCHITECTURES[architecture]?.map((each) => ({ audit: each.audit, body: bodyOf(each) }));
  if (!sections) return null;
  const program = [
    load(ARCHITECTURE_OFFSET),
    ...sections.flatMap(({ audit, body }) => [ifEqual(audit, body.length), ...body]),
    failWith(ENOSYS),
  ];
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(({ code, jt, jf, k }, index) => {
    const at = index * 8;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(jt, at + 2);
    bytes.writeUInt8(jf, at + 3);
    bytes.writeUInt32LE(k, at + 4);
  });
  return bytes;
}

/** The instructions for one architecture. Every path returns. */
function bodyOf(architecture: Architecture): Instruction[] {
  const { denied, sockets, namespaces, fallocate, ioctl, missing = [], numbersBelow } = architecture;
  const refused = TAKES_SPACE.flatMap((command) => [ifEqual(command, 1), failWith(EOPNOTSUPP)]);
  return [
    load(NUMBER_OFFSET),
    ...(numbersBelow === undefined ? [] : [ifAtLeast(numbersBelow, 1), failWith(ENOSYS)]),
    ...denied.flatMap((number) => [ifEqual(number, 1), failWith(EPERM)]),
    ...missing.flatMap((number) => [ifEqual(number, 1), failWith(ENOSYS)]),
    ...namespaces.flatMap((number) => [
      ifEqual(number, 4),
      load(FIRST_ARGUMENT_OFFSET),
      ifAnyBit(CLONE_NEWUSER, 1),
      failWith(EPERM),
      ALLOW,
    ]),
    ...sockets.flatMap((number) => [
      ifEqual(number, 4),
      load(FIRST_ARGUMENT_OFFSET),
      ifEqual(AF_VSOCK, 1),
      failWith(EAFNOSUPPORT),
      ALLOW,
    ]),
    ifEqual(fallocate, 4),
    load(SECOND_ARGUMENT_OFFSET),
    ifAnyBit(FREES_SPACE, 1),
    ALLOW,
    failWith(EOPNOTSUPP),
    ifEqual(ioctl, 1 + refused.length),
    load(SECOND_ARGUMENT_OFFSET),
    ...refused,
    ALLOW,
  ];
}
