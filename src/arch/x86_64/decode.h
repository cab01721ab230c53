/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding the loads that compilers emit. Pure.
 */
#ifndef AXVMM_ARCH_X86_64_DECODE_H
#define AXVMM_ARCH_X86_64_DECODE_H

#include <axvmm/exit.h>

/* Default operand size of the code segment: SDM 3A, 3.4.5, D and L. */
enum x86_code { X86_CODE_16, X86_CODE_32, X86_CODE_64 };

struct x86_load {
	uint32_t reg;		 /* 0..15, encoding order */
	AxAccessWidth reg_width; /* what the instruction writes (in 64-bit mode a DWORD clears the
				    upper half) */
	AxAccessWidth mem_width; /* what it reads from memory */
	bool signed_ext;
};

/*
 * Decode one instruction: MOV (8A, 8B, A0, A1), MOVZX (0F B6, B7), MOVSX (0F BE, BF), MOVSXD (63)
 * with a memory operand.
 *
 * @return true with @load filled; false: another instruction, a high-byte register (AH to BH, which
 * has no index), or too few bytes Source: SDM volume 2, 2.1 to 2.2 and appendix A.
 */
bool x86_decode_load(const uint8_t *bytes, size_t count, enum x86_code code, struct x86_load *load);

#endif
