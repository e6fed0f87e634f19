//! `validator1.*`: the methods by which UserLand's validator judged a server.

use callbox::{Base64, DateTime, Fault, Registry, Reply, Struct};
use serde::{Deserialize, Serialize};

/// Publishes the group.
pub fn add(registry: &mut Registry) {
    registry
        .add(
            "validator1.arrayOfStructsTest",
            "The sum of the structs' members curly.",
            sum_of_curlies,
        )
        .names(["structs"]);
    registry
        .add(
            "validator1.countTheEntities",
            "How often the five special characters of XML occur.",
            |text: String| Entities::of(&text),
        )
        .names(["text"]);
    registry
        .add(
            "validator1.easyStructTest",
            "The sum of the members moe, larry and curly.",
            Stooges::sum,
        )
        .names(["stooges"]);
    registry
        .add("validator1.echoStructTest", "Returns its argument.", |members: Struct| members)
        .names(["members"]);
    registry
        .add("validator1.manyTypesTest", "Returns its arguments as an array.", many_types)
        .names(["number", "flag", "text", "double", "date", "bytes"]);
    registry
        .add(
            "validator1.moderateSizeArrayCheck",
            "The first and the last string, joined.",
            first_and_last,
        )
        .names(["texts"]);
    registry
        .add(
            "validator1.nestedStructTest",
            "The sum of moe, larry and curly of 1 April 2000.",
            |years: Years| years.year.month.day.sum(),
        )
        .names(["years"]);
    registry
        .add(
            "validator1.simpleStructReturnTest",
            "A number times 10, 100 and 1000.",
            |number: i32| {
                let number = i64::from(number);
                Products { times10: number * 10, times100: number * 100, times1000: number * 1000 }
            },
        )
        .names(["number"]);
}

fn sum_of_curlies(stooges: Vec<Curly>) -> Result<i64, Fault> {
    stooges.iter().try_fold(0_i64, |sum, stooge| sum.checked_add(stooge.curly)).ok_or_else(overflow)
}

#[derive(Deserialize)]
struct Curly {
    curly: i64,
}

#[derive(Deserialize)]
struct Stooges {
    moe: i64,
    larry: i64,
    curly: i64,
}

impl Stooges {
    fn sum(self) -> Result<i64, Fault> {
        self.moe
            .checked_add(self.larry)
            .and_then(|sum| sum.checked_add(self.curly))
            .ok_or_else(overflow)
    }
}

#[derive(Deserialize)]
struct Years {
    #[serde(rename = "2000")]
    year: Months,
}

#[derive(Deserialize)]
struct Months {
    #[serde(rename = "04")]
    month: Days,
}

#[derive(Deserialize)]
struct Days {
    #[serde(rename = "01")]
    day: Stooges,
}

#[derive(Serialize, Deserialize, Reply)]
struct Products {
    times10: i64,
    times100: i64,
    times1000: i64,
}

#[derive(Default, Serialize, Deserialize, Reply)]
#[serde(rename_all = "camelCase")]
struct Entities {
    ct_left_angle_brackets: i64,
    ct_right_angle_brackets: i64,
    ct_ampersands: i64,
    ct_apostrophes: i64,
    ct_quotes: i64,
}

impl Entities {
    fn of(text: &str) -> Self {
        let mut entities = Self::default();
        for byte in text.bytes() {
            match byte {
                b'<' => entities.ct_left_angle_brackets += 1,
                b'>' => entities.ct_right_angle_brackets += 1,
                b'&' => entities.ct_ampersands += 1,
                b'\'' => entities.ct_apostrophes += 1,
                b'"' => entities.ct_quotes += 1,
                _ => {}
            }
        }
        entities
    }
}

type Many = (i64, bool, String, f64, DateTime, Base64);

fn many_types(
    number: i64,
    flag: bool,
    text: String,
    double: f64,
    date: DateTime,
    bytes: Base64,
) -> Many {
    (number, flag, text, double, date, bytes)
}

fn first_and_last(texts: Vec<String>) -> Result<String, Fault> {
    match (texts.first(), texts.last()) {
        (Some(first), Some(last)) => Ok(format!("{first}{last}")),
        _ => Err(Fault::invalid_params("params[0]: expected at least one string")),
    }
}

fn overflow() -> Fault {
    Fault::application("the sum is beyond 64 bits")
}
