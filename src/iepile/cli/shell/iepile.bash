# Completion of iepile for bash, made by: iepile shell-completion bash

# tables

_iepile() {
    local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local verb=${COMP_WORDS[1]} command words='' flags='' switches='' prefix=''
    # Readline takes --flag=value for three words.
    if [[ $cur == '=' ]]; then
        cur=''
    elif [[ $before == '=' ]]; then
        before=${COMP_WORDS[COMP_CWORD-2]}
    fi
    COMPREPLY=()
    if (( COMP_CWORD == 1 )); then
        compopt +o default 2>/dev/null
        _iepile_below ''
        COMPREPLY=( $(compgen -W "$words --help --version" -- "$cur") )
        return
    fi
    command=${verb//_/-}
    if [[ $command != -* ]]; then
        _iepile_below "$command"
        if (( COMP_CWORD > 2 )) && [[ " $words " == *" ${COMP_WORDS[2]} "* ]]; then
            command="$command ${COMP_WORDS[2]}"
            words=''
        elif (( COMP_CWORD > 2 )); then
            words=''
        fi
    fi
    _iepile_flags "$command"
    if [[ $before == --* ]]; then
        before=${before#--}
        before="--${before//-/_}"
        if [[ " $flags " == *" $before "* && " $switches " != *" $before "* ]]; then
            words=''
            _iepile_values "$command $before"
            # Lists with commas: the last of them.
            if [[ $cur == *,* ]]; then
                prefix=${cur%,*},
            fi
            COMPREPLY=( $(compgen -P "$prefix" -W "$words" -- "${cur##*,}") )
            if [[ -n $words ]]; then
                compopt +o default 2>/dev/null
            fi
            return
        fi
    fi
    if [[ $cur == -* ]]; then
        compopt +o default 2>/dev/null
        if [[ $cur == --* ]]; then
            cur=${cur#--}
            cur="--${cur//-/_}"
        fi
        COMPREPLY=( $(compgen -W "$flags" -- "$cur") )
        return
    fi
    # Words that stand without a flag; where none is known, readline offers files.
    if [[ -z $words ]]; then
        _iepile_values "$command"
    fi
    COMPREPLY=( $(compgen -W "$words" -- "$cur") )
}

complete -o default -F _iepile iepile
