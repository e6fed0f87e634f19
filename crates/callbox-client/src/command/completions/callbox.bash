# Completions of callbox for bash: source <(callbox completions bash)
_callbox() {
  local line=${COMP_LINE:0:COMP_POINT} word verb='' url=${CALLBOX_URL-} skip='' has_method=''
  # bash would cut a URL at its colons.
  local -a words options=()
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  local cur=${words[-1]}
  COMPREPLY=()
  for word in "${words[@]:1:${#words[@]}-2}"; do
    if [[ $skip ]]; then
      [[ $skip == -u || $skip == --user || $skip == --timeout ]] || options+=("$skip" "$word")
      skip=''
      continue
    fi
    case $word in
      -u | --user | --timeout | --token-file | --cacert | --cert | --key) skip=$word ;;
      -*) ;;
      *://*) [[ $has_method ]] || url=$word verb=${verb:-none} ;;
      list | call | help | completions) if [[ $verb ]]; then has_method=yes; else verb=$word; fi ;;
      *) has_method=yes ;;
    esac
  done
  case $skip in
    --token-file | --cacert | --cert | --key) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    ?*) return ;;
  esac
  local candidates=''
  if [[ $cur == -* ]]; then
    candidates='--struct --json --raw --verbose --user --token-file --cacert --cert --key --timeout --help --version'
  elif [[ $verb == completions ]]; then
    candidates='bash zsh fish'
  elif [[ ! $has_method ]]; then
    [[ $verb ]] || candidates='list call help completions'
    if [[ $url && $verb != list ]]; then
      candidates+=" $(CALLBOX_URL=$url callbox __methods --timeout 3s "${options[@]}" 2>/dev/null </dev/null)"
    fi
  fi
  for word in $candidates; do
    [[ $word == "$cur"* ]] && COMPREPLY+=("$word")
  done
}
complete -o default -F _callbox callbox
