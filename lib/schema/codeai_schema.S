/* codeai_schema.S: lib/schema/codeai.schema.json as it is, in the library. */
	.section .rodata
	.global cmxi_codeai_schema
	.hidden cmxi_codeai_schema
	.type cmxi_codeai_schema, %object
	.balign 16
cmxi_codeai_schema:
	.incbin "lib/schema/codeai.schema.json"
0:
	.byte 0
	.size cmxi_codeai_schema, . - cmxi_codeai_schema
	.global cmxi_codeai_schema_size
	.hidden cmxi_codeai_schema_size
	.type cmxi_codeai_schema_size, %object
	.balign 8
cmxi_codeai_schema_size:
	.quad 0b - cmxi_codeai_schema
	.size cmxi_codeai_schema_size, 8
	.section .note.GNU-stack, "", %progbits
