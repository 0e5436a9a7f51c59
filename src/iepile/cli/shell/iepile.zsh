#compdef iepile
# Completion of iepile for zsh, made by: iepile shell-completion zsh

# tables

_iepile() {
    local before=$words[CURRENT-1] command verb=$words[2]
    local -a words_ flags switches dashes
    dashes=(-M 'm:{-_}={_-}')
    if (( CURRENT == 2 )); then
        _iepile_below ''
        words_+=('--help:Tell what there is.' '--version:Tell the version.')
        _describe -t commands 'verb' words_
        return
    fi
    command=${verb//_/-}
    if [[ $command != -* ]]; then
        _iepile_below "$command"
        if (( CURRENT > 3 )); then
            if (( ${words_[(I)${words[3]}:*]} )); then
                command="$command $words[3]"
            fi
            words_=()
        fi
    fi
    _iepile_flags "$command"
    if [[ $PREFIX == --*=* ]]; then
        before=${PREFIX%%=*}
        compset -P 1 '*='
    fi
    if [[ $before == --* ]]; then
        before="--${${before#--}//-/_}"
        if (( ${flags[(I)$before:*]} && ! ${switches[(Ie)$before]} )); then
            words_=()
            _iepile_values "$command $before"
            if (( $#words_ )); then
                compset -P '*,'
                compadd -a words_
            else
                _files
            fi
            return
        fi
    fi
    if [[ $PREFIX == -* ]]; then
        _describe -t options 'flag' flags $dashes
        return
    fi
    if (( $#words_ )); then
        _describe -t commands 'action' words_
        return
    fi
    _iepile_values "$command"
    if (( $#words_ )); then
        compadd -a words_
    else
        _files
    fi
}

if [[ $funcstack[1] == _iepile ]]; then
    _iepile "$@"
else
    compdef _iepile iepile
fi
