# fish completion for codeai-metricsd(8): the options that its help prints.

for __codeai_option in (codeai-metricsd --help 2>/dev/null |
        grep -oE -- '^ +(-[a-z] [^,]*, )?--[a-z][a-z.-]*=?' |
        sed 's/.*--//' | sort -u)
    if string match -q -- '*=' $__codeai_option
        complete -c codeai-metricsd -l (string trim -c = $__codeai_option) -r
    else
        complete -c codeai-metricsd -l $__codeai_option
    end
end
set -e __codeai_option
