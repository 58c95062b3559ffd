//! The months, and the halves of a day, as the languages of Windows and of browsers write them
//! (Unicode CLDR, `ca-gregorian`, and .NET's cultures), long and abbreviated.

/// The names of each month.
const MONTHS: [&[&str]; 12] = [
    &[
        "january", "jan", "januar", "jänner", "jän", "januari", "janvier", "janv", "enero", "ene",
        "gennaio", "gen", "janeiro", "stycznia", "styczeń", "sty", "ledna", "leden", "led",
        "tammikuuta", "tammikuu", "tammi", "ocak", "oca", "januára", "január", "января", "янв",
    ],
    &[
        "february", "feb", "februar", "feber", "februari", "février", "févr", "fevr", "febrero",
        "febbraio", "fevereiro", "fev", "lutego", "luty", "lut", "února", "únor", "úno",
        "helmikuuta", "helmikuu", "helmi", "şubat", "şub", "februára", "február", "февраля", "февр",
        "фев",
    ],
    &[
        "march", "mar", "märz", "mrz", "mär", "mars", "marzo", "março", "marca", "marzec", "maart",
        "mrt", "marts", "března", "březen", "bře", "maaliskuuta", "maaliskuu", "maalis", "mart",
        "marec", "március", "марта", "мар",
    ],
    &[
        "april", "apr", "avril", "avr", "abril", "abr", "aprile", "kwietnia", "kwiecień", "kwi",
        "dubna", "duben", "dub", "huhtikuuta", "huhtikuu", "huhti", "nisan", "nis", "apríla",
        "április", "апреля", "апр",
    ],
    &[
        "may", "mai", "mayo", "maggio", "mag", "maio", "maja", "maj", "mei", "května", "květen",
        "kvě", "toukokuuta", "toukokuu", "touko", "mayıs", "mája", "máj", "május", "мая", "май",
    ],
    &[
        "june", "jun", "juni", "juin", "junio", "giugno", "giu", "junho", "czerwca", "czerwiec",
        "cze", "června", "červen", "čvn", "kesäkuuta", "kesäkuu", "kesä", "haziran", "haz", "júna",
        "jún", "június", "июня", "июн",
    ],
    &[
        "july", "jul", "juli", "juillet", "juil", "julio", "luglio", "lug", "julho", "lipca",
        "lipiec", "lip", "července", "červenec", "čvc", "heinäkuuta", "heinäkuu", "heinä",
        "temmuz", "tem", "júla", "júl", "július", "июля", "июл",
    ],
    &[
        "august", "aug", "août", "aout", "agosto", "ago", "sierpnia", "sierpień", "sie", "augusti",
        "augustus", "srpna", "srpen", "srp", "elokuuta", "elokuu", "elo", "ağustos", "ağu",
        "augusta", "augusztus", "августа", "авг",
    ],
    &[
        "september", "sep", "sept", "septembre", "septiembre", "settembre", "set", "setembro",
        "września", "wrzesień", "wrz", "září", "zář", "syyskuuta", "syyskuu", "syys", "eylül",
        "eyl", "septembra", "szeptember", "szept", "сентября", "сент", "сен",
    ],
    &[
        "october", "oct", "oktober", "okt", "octobre", "octubre", "ottobre", "ott", "outubro",
        "out", "października", "październik", "paź", "října", "říjen", "říj", "lokakuuta",
        "lokakuu", "loka", "ekim", "eki", "októbra", "október", "октября", "окт",
    ],
    &[
        "november", "nov", "novembre", "noviembre", "novembro", "listopada", "listopad", "lis",
        "marraskuuta", "marraskuu", "marras", "kasım", "kas", "novembra", "ноября", "нояб", "ноя",
    ],
    &[
        "december", "dec", "dezember", "dez", "décembre", "déc", "diciembre", "dic", "dicembre",
        "dezembro", "grudnia", "grudzień", "gru", "prosince", "prosinec", "pro", "joulukuuta",
        "joulukuu", "joulu", "aralık", "ara", "desember", "des", "decembra", "декабря", "дек",
    ],
];

const BEFORE_NOON: [&str; 12] =
    ["am", "vorm", "fm", "dop", "ap", "öö", "πμ", "上午", "午前", "오전", "rano", "vm"];
const AFTER_NOON: [&str; 12] =
    ["pm", "nachm", "em", "odp", "ip", "ös", "μμ", "下午", "午後", "오후", "popołudnia", "nm"];

/// What may stand in a date beside its parts: between day, month and year, before the time, and the days
/// of a week in English, which JavaScript puts first whatever the language.
const FILLERS: [&str; 47] = [
    "de", "del", "at", "um", "à", "las", "la", "alle", "ore", "kl", "klo", "o", "v", "às", "om",
    "op", "saat", "г", "в", "年", "月", "日", "st", "nd", "rd", "th", "den", "dne", "a", "uhr", "h",
    "mon", "tue", "wed", "thu", "fri", "sat", "sun", "monday", "tuesday", "wednesday", "thursday",
    "friday", "saturday", "sunday", "년", "월",
];

/// The number of a month; a dot behind it is not part of the word.
pub(super) fn month(word: &str) -> Option<u8> {
    let at = MONTHS.iter().position(|names| names.contains(&word))?;
    u8::try_from(at + 1).ok()
}

/// The hours that a half of the day adds: 0 or 12.
pub(super) fn half(word: &str) -> Option<u8> {
    if BEFORE_NOON.contains(&word) {
        return Some(0);
    }
    AFTER_NOON.contains(&word).then_some(12)
}

pub(super) fn is_filler(word: &str) -> bool {
    FILLERS.contains(&word) || word == "일"
}
