# bash completion for codeai-metricsd(8): the options that its help prints.
# Where nothing is offered, bash offers files.

_codeai_metricsd() {
	local cur=${COMP_WORDS[COMP_CWORD]} words

	COMPREPLY=()
	[[ $cur == -* ]] || return
	# Of an option with and without "=", the one with it.
	words=$("${COMP_WORDS[0]}" --help 2>&1 | tr ' ,[]' '\n' |
	    grep -E '^(-[a-zA-Z]|--[a-z.-]+=?.*)$' |
	    sed 's/=.*/=/' | sort -u |
	    awk '{ bare = $0; sub(/=$/, "", bare); best[bare] = $0 }
		END { for (bare in best) print best[bare] }')
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
	[[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] ||
	    compopt -o nospace 2>/dev/null
}
complete -o default -F _codeai_metricsd codeai-metricsd
