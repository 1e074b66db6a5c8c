/** A program of some 200 bytes that leaves itself one processor and becomes another program: no image need have `taskset` for it. */
import type { Platform } from "../../spec/types.ts";

/**
 * Machine code that takes the lowest bit of the mask of sched_getaffinity, gives that to sched_setaffinity, and executes its first argument
 * with the others and the environment as they are. It ends with 126 where one of these fails. As an assembler lists it, an instruction a line.
 */
const code: Readonly<Record<Platform, string>> = {
  "linux/amd64": `
    4889e3       mov rbx, rsp          # argc, argv, environment
    4881ec00040000 sub rsp, 1024       # a mask of 8192 processors
    31ff         xor edi, edi
    be00040000   mov esi, 1024
    4889e2       mov rdx, rsp
    b8cc000000   mov eax, 204          # sched_getaffinity
    0f05         syscall
    85c0         test eax, eax         # bytes of the mask
    7e57         jle fail
    4189c4       mov r12d, eax
    89c1         mov ecx, eax
    c1e903       shr ecx, 3
    4889e6       mov rsi, rsp
    31ff         xor edi, edi
    48f7d7       not rdi               # all bits until one is found, then none
    488b06       each: mov rax, [rsi]
    4889c2       mov rdx, rax
    48f7da       neg rdx
    4821d0       and rax, rdx          # the lowest bit
    4821f8       and rax, rdi
    488906       mov [rsi], rax
    7402         je next
    31ff         xor edi, edi
    4883c608     next: add rsi, 8
    ffc9         dec ecx
    75e2         jne each
    4489e6       mov esi, r12d
    4889e2       mov rdx, rsp
    b8cb000000   mov eax, 203          # sched_setaffinity
    31ff         xor edi, edi
    0f05         syscall
    85c0         test eax, eax
    7516         jne fail
    488b03       mov rax, [rbx]
    488d7310     lea rsi, [rbx + 16]
    488b3e       mov rdi, [rsi]
    488d54c310   lea rdx, [rbx + rax * 8 + 16]
    b83b000000   mov eax, 59           # execve
    0f05         syscall
    bf7e000000   fail: mov edi, 126
    b83c000000   mov eax, 60           # exit
    0f05         syscall`,
  "linux/arm64": `
    f3030091     mov x19, sp           // argc, argv, environment
    ff0310d1     sub sp, sp, #1024     // a mask of 8192 processors
    000080d2     mov x0, #0
    018080d2     mov x1, #1024
    e2030091     mov x2, sp
    680f80d2     mov x8, #123          // sched_getaffinity
    010000d4     svc #0
    1f0000f1     cmp x0, #0            // bytes of the mask
    0d030054     b.le fail
    e10300aa     mov x1, x0
    e3030091     mov x3, sp
    6400008b     add x4, x3, x0
    05008092     mov x5, #-1           // all bits until one is found, then none
    660040f9     each: ldr x6, [x3]
    e70306cb     neg x7, x6
    c600078a     and x6, x6, x7        // the lowest bit
    c600058a     and x6, x6, x5
    668400f8     str x6, [x3], #8
    df0000f1     cmp x6, #0
    a5009f9a     csel x5, x5, xzr, eq
    7f0004eb     cmp x3, x4
    03ffff54     b.lo each
    000080d2     mov x0, #0
    480f80d2     mov x8, #122          // sched_setaffinity
    010000d4     svc #0
    e00000b5     cbnz x0, fail
    620240f9     ldr x2, [x19]
    61420091     add x1, x19, #16
    220c028b     add x2, x1, x2, lsl #3
    200040f9     ldr x0, [x1]
    a81b80d2     mov x8, #221          // execve
    010000d4     svc #0
    c00f80d2     fail: mov x0, #126
    a80b80d2     mov x8, #93           // exit
    010000d4     svc #0`,
};

/** e_machine of the ELF header. */
const machines: Readonly<Record<Platform, number>> = { "linux/amd64": 62, "linux/arm64": 183 };

const address = 0x400000n;
const header = 64;
const programHeader = 56;

/** The program, a static ELF file. */
export function oneProcessor(platform: Platform): Uint8Array {
  const lines = code[platform].trim().split("\n");
  const instructions = Buffer.from(lines.map((line) => line.trim().split(/\s/, 1)[0] ?? "").join(""), "hex");
  const start = header + programHeader;
  const file = Buffer.concat([Buffer.alloc(start), instructions]);
  // ELF, 64 bits, little endian, version 1; an executable file.
  file.write("7f454c46020101", 0, "hex");
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(machines[platform], 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(address + BigInt(start), 24);
  file.writeBigUInt64LE(BigInt(header), 32);
  file.writeUInt16LE(header, 52);
  file.writeUInt16LE(programHeader, 54);
  file.writeUInt16LE(1, 56);
  // PT_LOAD of the whole file, to be read and executed.
  file.writeUInt32LE(1, header);
  file.writeUInt32LE(5, header + 4);
  file.writeBigUInt64LE(address, header + 16);
  file.writeBigUInt64LE(address, header + 24);
  file.writeBigUInt64LE(BigInt(file.length), header + 32);
  file.writeBigUInt64LE(BigInt(file.length), header + 40);
  file.writeBigUInt64LE(0x1000n, header + 48);
  return file;
}
