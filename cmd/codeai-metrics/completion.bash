# bash completion for codeai-metrics(1): verbs and options are those that
# "codeai-metrics help" prints, names of metrics those of the segment.  Where
# nothing is offered, bash offers files.

_codeai_metrics() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local i verb= segment=() words= help

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --segment)
			segment=(-s "${COMP_WORDS[i + 1]}")
			((i++))
			;;
		-*) ;;
		*)
			verb=${COMP_WORDS[i]}
			break
			;;
		esac
	done
	help=$("${COMP_WORDS[0]}" help 2>/dev/null)
	if [[ -z $verb ]]; then
		[[ $prev == -s || $prev == --segment ]] && return
		words=$(sed -n 's/^  \([a-z]*\) .*/\1/p' <<<"$help")
		COMPREPLY=($(compgen -W "$words -h -s -V help" -- "$cur"))
		return
	fi
	# Behind exec's and time's command, all words are the command's.
	if [[ $verb == exec || $verb == time ]]; then
		for ((i++; i < COMP_CWORD; i++)); do
			case ${COMP_WORDS[i]} in
			-j) ((i++)) ;;
			-j* | *=*) ;;
			--) ((i + 1 < COMP_CWORD)) && return ;;
			*) [[ $verb == exec ]] && return ;;
			esac
		done
	fi
	# The verb's line: its options are in brackets, or stand alone.
	help=$(grep "^  $verb " <<<"$help")
	if [[ $cur == -* ]]; then
		words=$(grep -oE '(\[| )-[a-zA-Z]+' <<<"$help" |
		    tr -d '[ -' | fold -w1 | sed 's/^/-/')
		COMPREPLY=($(compgen -W "$words" -- "$cur"))
		return
	fi
	case $verb:$prev in
	dump:-f) words='text openmetrics protobuf json table' ;;
	lint:-f) words='text openmetrics' ;;
	*:-o | exec:-j | header:-p | create:-[gm]) ;;
	exec:*) COMPREPLY=($(compgen -c -- "$cur")) ;;
	add:* | get:* | observe:* | set:* | time:* | dump:* | list:*)
		# LABEL=VALUE is for the user to know.
		words=$("${COMP_WORDS[0]}" "${segment[@]}" list 2>/dev/null |
		    cut -f1)
		;;
	esac
	[[ -z $words ]] || COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _codeai_metrics codeai-metrics
