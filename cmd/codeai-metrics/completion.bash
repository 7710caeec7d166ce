# bash completion for codeai-metrics(1): verbs and options are those that
# "codeai-metrics help" prints, names of metrics, labels and their values those
# of the segment.  Where nothing is offered, bash offers files.

# __codeai_metrics_labels FAMILY: label=value of its series, a line each; only
# values that need no quotes
__codeai_metrics_labels() {
	"${COMP_WORDS[0]}" "${segment[@]}" dump "$1" 2>/dev/null |
	    grep -v '^#' | grep -oE '[a-zA-Z0-9_]+="[]A-Za-z0-9_.:/@%+,{}[-]+"' |
	    tr -d '"' | sort -u
}

# __codeai_metrics_operands: names first, then labels, then values.  bash takes
# "=" for a word of its own.
__codeai_metrics_operands() {
	local family=${COMP_WORDS[$1]}

	if ((COMP_CWORD <= $1)); then
		words=$("${COMP_WORDS[0]}" "${segment[@]}" list 2>/dev/null |
		    cut -f1)
	elif [[ $cur == = ]]; then
		words=$(__codeai_metrics_labels "$family" |
		    sed -n "s/^$prev=//p")
		cur=
	elif [[ $prev == = ]]; then
		words=$(__codeai_metrics_labels "$family" |
		    sed -n "s/^${COMP_WORDS[COMP_CWORD - 2]}=//p")
	else
		words=$("${COMP_WORDS[0]}" "${segment[@]}" list "$family" \
		    2>/dev/null | cut -f3 | tr ',' '\n' | sed '/./s/$/=/')
		compopt -o nospace 2>/dev/null
	fi
}

_codeai_metrics() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local i n verb= verb_at=0 segment=() words= help

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
			verb_at=$i
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
	if [[ $cur == -* ]]; then
		words=$("${COMP_WORDS[0]}" help "$verb" 2>/dev/null |
		    sed -n 's/^  \(-[^ ]*\), \(--[^ ]*\).*/\1 \2/p')
		COMPREPLY=($(compgen -W "$words" -- "$cur"))
		return
	fi
	case $verb:$prev in
	dump:-f | dump:--format)
		words='text openmetrics protobuf json table csv'
		;;
	lint:-f | lint:--format) words='text openmetrics' ;;
	top:-o | top:--output) words='text json' ;;
	top:-k | top:--sort) words='rate value name p99' ;;
	*:-o | *:--output | exec:-j | header:-p | create:-[gm]) ;;
	exec:*) COMPREPLY=($(compgen -c -- "$cur")) ;;
	add:* | get:* | observe:* | set:* | time:*)
		# The first word behind the verb that is no option.
		for ((n = verb_at + 1; n < COMP_CWORD; n++)); do
			[[ ${COMP_WORDS[n]} == -* ]] || break
		done
		__codeai_metrics_operands $n
		;;
	dump:* | list:* | top:*)
		words=$("${COMP_WORDS[0]}" "${segment[@]}" list 2>/dev/null |
		    cut -f1)
		;;
	esac
	[[ -z $words ]] || COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _codeai_metrics codeai-metrics
