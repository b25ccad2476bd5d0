//! Tables of what is hidden and what stays. All people are invented.

use proptest::prelude::*;

use super::{mask, mask_name};

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter(|(text, masked)| mask(text) != *masked)
        .map(|(text, masked)| format!("{} is not {masked}", mask(text)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check_kept(cases: &[&str]) {
    let wrong: Vec<String> =
        cases.iter().filter(|text| mask(text) != **text).map(|text| mask(text)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn phone_numbers_keep_their_ends() {
    check(&[
        ("电话13812341234。", "电话138****1234。"),
        ("１３８１２３４１２３４", "１３８****１２３４"),
        ("+8613812341234", "+86138****1234"),
        ("138 1234 1234", "138****1234"),
        ("138-1234-1234", "138****1234"),
        ("tel13812341234", "tel138****1234"),
        ("座机0571-88886666", "座机0571****6666"),
        ("010-88886666", "010****6666"),
        ("057188886666", "0571****6666"),
        ("电话88886666", "电话****6666"),
        ("订单号13812341234", "订单号138****1234"),
    ]);
}

#[test]
fn cards_keep_little() {
    check(&[
        ("身份证11010519491231002X", "身份证110****002X"),
        ("身份证号：110105194912310020", "身份证号：110****0020"),
        ("卡号6222020000001234560", "卡号****4560"),
        ("银行卡 6222 0200 0000 1234 560", "银行卡 ****4560"),
        ("4111111111111111", "****1111"),
        ("4111 1111 1111 1111", "****1111"),
    ]);
}

#[test]
fn mail_plates_doors_and_names_are_hidden() {
    check(&[
        ("邮箱wang.xm@example.com，", "邮箱w***@example.com，"),
        ("车牌京A12345", "车牌京A*****"),
        ("粤B·D12345", "粤B·******"),
        ("中山路88号5号楼2单元1203室", "中山路*号*号楼*单元*室"),
        ("三号楼二单元", "*号楼*单元"),
        ("幸福小区5-2-1203", "幸福小区*-*-*"),
        ("9栋406漏水", "*栋*漏水"),
        ("姓名：王小明", "姓名：王*"),
        ("我叫王小明，", "我叫王*，"),
        ("我叫李雷在你们店买的", "我叫李*在你们店买的"),
        ("联系人李女士 电话", "联系人李* 电话"),
        ("收货人：欧阳小明", "收货人：欧阳*"),
    ]);
}

#[test]
fn what_a_case_needs_stays() {
    check_kept(&[
        "订单号4111111111111111",
        "订单号12345678901234567",
        "快递单号SF1234567890123",
        "退款1299元，3月5号买的",
        "2026-03-05 12:00",
        "打12315和400-123-4567投诉",
        "联系人工客服",
        "我叫外卖",
        "我叫安装师傅来",
        "三室两厅",
        "5座车",
        "8楼太吵",
        "1000000000.00元",
        "3号发货",
    ]);
}

#[test]
fn a_name_keeps_its_surname() {
    for (name, masked) in
        [("王小明", "王*"), ("欧阳修", "欧阳*"), ("李", "李*"), ("", ""), ("John", "J*")]
    {
        assert_eq!(mask_name(name), masked);
    }
}

#[test]
fn masking_is_linear_on_hostile_texts() {
    for unit in ["1", "一", "a.", "1-", "1 ", "京A", "姓名", "号", "1号", "我叫王", "@"] {
        let text = unit.repeat(100_000 / unit.chars().count());
        // A quadratic search would need minutes.
        assert!(!mask(&text).is_empty());
    }
}

proptest! {
    #[test]
    fn masking_never_panics(text in "[我叫王姓名：订单号栋室路0-9０-９ @.a-cA-C京·-]{0,40}|\\PC{0,40}") {
        mask(&text);
    }
}
