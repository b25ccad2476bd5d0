//! Names of people, where the text says that one follows.

use super::{Hidden, before, ends_with_any};
use crate::text::normalize::is_han;

/// The most frequent surnames; one letter each, then those of two.
const SURNAMES: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏\
     吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温\
     康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷";
const DOUBLE_SURNAMES: [&str; 14] = [
    "欧阳", "司马", "上官", "诸葛", "皇甫", "尉迟", "公孙", "慕容", "令狐", "长孙", "夏侯", "司徒",
    "东方", "端木",
];
/// What a sentence goes on with after a name.
const AFTER_NAME: &str =
    "在的是我于从因为向要想买购有说和与给电先女手联地住到今昨去来被也已对，。！";

/// The name that starts at `at`, if the words before introduce one.
pub(super) fn find(text: &str, at: usize) -> Option<Hidden> {
    const LABELS: [&str; 10] = [
        "姓名",
        "联系人",
        "收件人",
        "收货人",
        "寄件人",
        "投诉人",
        "户名",
        "持卡人",
        "名字",
        "机主",
    ];
    const PHRASES: [&str; 4] = ["我叫", "我的名字是", "名字叫", "本人叫"];
    let first = text[at..].chars().next().filter(|&c| is_han(c))?;
    let before = before(text, at, 7);
    let label = before.trim_end_matches([':', '：', ' ', '是', '为']);
    let is_separated = label.len() < before.len() && ends_with_any(label, &LABELS);
    let is_introduced = ends_with_any(before, &LABELS) || ends_with_any(before, &PHRASES);
    if !is_separated && !is_introduced {
        return None;
    }
    let end = name_end(text, at, first, is_separated)?;
    Some(Hidden { range: at..end, shown: mask_name(&text[at..end]) })
}

/// A name with all but its surname hidden: 王*, 欧阳*. What is no Chinese name keeps its first
/// character.
pub fn mask_name(name: &str) -> String {
    let name = name.trim();
    let double = DOUBLE_SURNAMES
        .iter()
        .find(|surname| name.len() > surname.len() && name.starts_with(*surname));
    let kept =
        double.map_or(name.chars().next().map_or(0, char::len_utf8), |surname| surname.len());
    if name.is_empty() { String::new() } else { format!("{}*", &name[..kept]) }
}

/// Where the name ends. After a label and a separator anything short is a name; elsewhere it must
/// have a surname and end where names do, for 联系人工客服 and 我叫外卖 name nobody.
fn name_end(text: &str, at: usize, first: char, is_separated: bool) -> Option<usize> {
    let run: Vec<char> = text[at..].chars().take(6).take_while(|&c| is_han(c)).collect();
    if is_separated && run.len() <= 4 {
        return Some(at + run.iter().map(|c| c.len_utf8()).sum::<usize>());
    }
    let n_surname =
        if DOUBLE_SURNAMES.iter().any(|surname| text[at..].starts_with(surname)) { 2 } else { 1 };
    if n_surname == 1 && !SURNAMES.contains(first) {
        return None;
    }
    let ends = |n: usize| run.get(n).is_none_or(|&c| AFTER_NAME.contains(c));
    let n_chars =
        [n_surname + 1, n_surname + 2].into_iter().find(|&n| n <= run.len() && ends(n))?;
    Some(at + run[..n_chars].iter().map(|c| c.len_utf8()).sum::<usize>())
}
