/*
 * boot_id.c: which boot of the machine this is.
 */
#include "segment/boot_id.h"

#include <stdio.h>
#include <string.h>

#include "base/kernel_file.h"

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

void
cmxi_boot_id_read(uint8_t id[CMXI_BOOT_ID_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	char text[64];
	int digits = 0;

	memset(id, 0, CMXI_BOOT_ID_SIZE);
	cmxi_kernel_file_read(BOOT_ID_FILE, text, sizeof(text));
	for (const char *c = text; *c != '\0' && digits < 32; c++) {
		const char *p = memchr(hex, *c, 16);

		if (p == NULL)
			continue;
		id[digits / 2] |=
		    (uint8_t)((p - hex) << (digits % 2 == 0 ? 4 : 0));
		digits++;
	}
	if (digits != 32)
		memset(id, 0, CMXI_BOOT_ID_SIZE);
}

bool
cmxi_boot_id_is_known(const uint8_t id[CMXI_BOOT_ID_SIZE])
{
	static const uint8_t unknown[CMXI_BOOT_ID_SIZE];

	return memcmp(id, unknown, CMXI_BOOT_ID_SIZE) != 0;
}

void
cmxi_boot_id_to_text(const uint8_t id[CMXI_BOOT_ID_SIZE],
    char text[CMXI_BOOT_ID_TEXT])
{
	for (int i = 0; i < CMXI_BOOT_ID_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", id[i]);
}
