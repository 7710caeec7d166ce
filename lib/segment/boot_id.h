/*
 * boot_id.h: which boot of the machine this is.
 *
 * CPU numbers and locks of another boot mean nothing in this one.
 */
#ifndef CMXI_BOOT_ID_H
#define CMXI_BOOT_ID_H

#include <stdbool.h>
#include <stdint.h>

#define CMXI_BOOT_ID_SIZE 16
#define CMXI_BOOT_ID_TEXT (2 * CMXI_BOOT_ID_SIZE + 1)

/* Read the UUID of the boot; zero where it cannot be read. */
void cmxi_boot_id_read(uint8_t id[CMXI_BOOT_ID_SIZE]);

/* Is it a boot's UUID, and not the zeros of a kernel that hides it? */
bool cmxi_boot_id_is_known(const uint8_t id[CMXI_BOOT_ID_SIZE]);

void cmxi_boot_id_to_text(const uint8_t id[CMXI_BOOT_ID_SIZE],
    char text[CMXI_BOOT_ID_TEXT]);

#endif
